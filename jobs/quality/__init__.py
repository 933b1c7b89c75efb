"""Reports about data: what each check found, which figures may be published, and statistics of covariates."""
