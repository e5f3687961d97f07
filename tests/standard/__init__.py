"""A quick subset of what the Array API standard 2025.12 demands, written from its text."""
