// The test program's entry: Catch2 2 needs one of ours, Catch2 3 brings it in a library; both take a session.
#define CATCH_CONFIG_RUNNER
#include "test/support/catch.hpp"

int main(int argc, char** argv) { return Catch::Session().run(argc, argv); }
