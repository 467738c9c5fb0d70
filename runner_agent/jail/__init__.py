"""What a Pod's processes may see and touch, and programs run beside it."""
