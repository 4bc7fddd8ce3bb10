"""What a live endpoint really does: questions, findings, and the profile that follows."""
