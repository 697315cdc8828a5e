"""The endpoints, and what every request goes through before it reaches one."""
