"""What fine-tuning brought: arms beside one another, tested, with the settings and translations behind them."""
