"""Choose, import and read about models."""
