"""Thirty-three PDF layouts whose right reading is known, and the scripts that set them."""
