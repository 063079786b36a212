"""The work of the commands, such as check, explain and decide; the page and notices use it too."""
