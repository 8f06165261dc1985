"""The product's own words: frozen values, enumerations and rules. No input or output of any kind."""
