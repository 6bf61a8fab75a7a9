"""The controller: brings the pair behind the alias live without a mixed or a lost request."""
