"""The out-of-distribution gate, fitted and measured."""
