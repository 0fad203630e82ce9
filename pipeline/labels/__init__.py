"""What people say of extracted items: judged, gathered, compared, and learnt from."""
