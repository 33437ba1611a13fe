from django.urls import include, path

urlpatterns = [path("_cart/", include("lorikeet.urls", namespace="lorikeet"))]
