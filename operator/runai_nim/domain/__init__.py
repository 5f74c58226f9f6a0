"""The decisions: validate, translate, plan, status. Pure functions of values."""
