"""KServe's time-series API: `POST /v1/timeseries/forecast`, https://kserve.github.io/website/docs/reference/time_series/api."""
