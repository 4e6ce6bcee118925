"""What an AWS account needs once, before GitHub may deploy into it."""
