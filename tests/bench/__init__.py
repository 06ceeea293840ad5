"""Measurements beside other tools in one run; the budgets are ratios, never seconds."""
