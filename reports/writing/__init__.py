"""How texts, numbers and figures are written, whatever they say."""
