"""How calls ended by the customer's own records: tables of a CRM, read into ``call.outcome`` events."""
