"""The resources that an AWS account needs once, before GitHub can deploy into it."""
