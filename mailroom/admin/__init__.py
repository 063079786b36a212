"""The work of the commands, such as check, explain and decide. The page uses parts of it."""
