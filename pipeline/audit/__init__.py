"""Who read or erased what: one entry for each question, export, look into the vault and erasure.

Where a call is erased, say so with ``Recorder.record``, once it is done and whatever came of it::

    async with recorder_of(settings, "ann", "cli") as recorder:      # pipeline.audit.opened
        await recorder.record(erasure(["call-1"], customer="c-7"))  # pipeline.audit.act
"""
