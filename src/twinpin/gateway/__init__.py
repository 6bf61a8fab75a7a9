"""ForecastAPI: REST, V2 and gRPC for the whole graph, and the page."""
