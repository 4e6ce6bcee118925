"""`make bench`: what this function costs, side by side with what people would use instead."""
