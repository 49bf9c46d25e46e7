// Everything an embedder needs.
#pragma once

#include <faas/code_cache.hpp>
#include <faas/error.hpp>
#include <faas/function.hpp>
#include <faas/host.hpp>
#include <faas/invoker.hpp>
#include <faas/layer.hpp>
#include <faas/observer.hpp>
#include <faas/outcome.hpp>
#include <faas/runtime.hpp>
#include <faas/sandbox.hpp>
#include <faas/scheduler.hpp>
#include <faas/units.hpp>
