"""The recording of a call for people who may read the call: silent where it is masked, played from any moment."""
