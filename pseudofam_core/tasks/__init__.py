"""What a model is fine-tuned to do: a file per task says how outputs are made, what scores them, and which way is better."""
