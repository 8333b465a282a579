"""One event stream that survives its connections; knows no model of the API."""
