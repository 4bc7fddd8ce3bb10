"""Python types as JSON Schema, values read by them, and what a provider's dialect makes of them."""
