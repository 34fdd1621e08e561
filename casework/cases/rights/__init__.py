"""What people may ask about their own data: requests, a copy, destruction with its certificate, and the end of retention."""
