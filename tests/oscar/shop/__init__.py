"""The shop's project: Oscar as it comes, with its order and checkout apps forked."""
