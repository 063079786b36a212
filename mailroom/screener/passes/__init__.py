"""One pass: gather the mail, plan every write, carry out the plan, and report the result."""
