"""Who means harm. A package, so that it may have a conftest of its own."""
