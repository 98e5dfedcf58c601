"""A proved diagram for other provers: Coq, and solvers that read SMT-LIB."""
