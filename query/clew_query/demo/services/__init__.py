"""Five services as anybody might write them, each with another way of logging. None of them knows Clew."""
