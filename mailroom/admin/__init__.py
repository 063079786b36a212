"""What is done to an account by hand: looking it over, and setting it up."""
