"""Made-up calls of the telecom scenario in any number, for trying questions out and for measurements.

They are no recordings, and say so: their ids begin with ``synthetic-``, their campaign and their model is
``synthetic``. ``effects`` has what was planted in them, to be found again.
"""
