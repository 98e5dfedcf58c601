"""Deciding, proving, writing certificates, and checking them independently."""
