"""Which of the proposed spans is the answer, and with what confidence."""
