"""What single auxiliaries really gain, which signal foresees it, and what is to be expected before anything is trained."""
