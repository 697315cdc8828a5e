"""What leaves the project: rows for other trainers, adapters and models in other programs' formats. Uses generator."""
