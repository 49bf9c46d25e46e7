// Objects at fixed addresses that are used again, so that a steady state allocates nothing.
#pragma once

#include <deque>
#include <vector>

namespace faas::inline v0::scheduler {

template <class T>
class Slab {
 public:
  T& take() {
    if (free_.empty()) return storage_.emplace_back();
    T* object = free_.back();
    free_.pop_back();
    return *object;
  }

  void give_back(T& object) {
    object = T{};
    free_.push_back(&object);
  }

 private:
  std::deque<T> storage_;
  std::vector<T*> free_;
};

}  // namespace faas::inline v0::scheduler
