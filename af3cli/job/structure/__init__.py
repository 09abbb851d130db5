"""What a structure file says, and what of it makes a job."""
