"""The judge: reads records only, and says who wins, by how much, and when it cannot tell. Free of torch."""
