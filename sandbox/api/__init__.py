"""The AWS API of the sandbox: one server, moto within, and per service what moto lacks."""
