"""InferenceGraph documents, and the executor that runs them where no cluster is."""
