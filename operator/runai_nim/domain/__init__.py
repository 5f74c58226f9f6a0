"""The decisions: validate, translate, plan, status. Values in, values out."""
