"""Which calls a caller's policies allow: AWS's rules of evaluation, and what each call needs."""
