"""What runs because somebody looks or asked: the hub that tells browsers what changed, forks and plays."""
