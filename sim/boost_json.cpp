// Debian's Boost headers carry the whole of Boost.JSON; its code is compiled here once, so no further library is
// linked.
#include <boost/json/src.hpp>
