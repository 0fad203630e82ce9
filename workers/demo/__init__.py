"""``convmine demo --live``: the live lane, the dashboard and the calls that it shows, all in one process."""
