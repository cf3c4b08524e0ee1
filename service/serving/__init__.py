"""What a page view is answered from: the live build under editors' decisions, and its lists."""
