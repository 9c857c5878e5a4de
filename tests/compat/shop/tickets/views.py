from django.http import HttpResponse, JsonResponse
from django.views import View
from django.views.decorators.http import require_POST
from django.views.generic import DetailView

from .summaries import summarise, triage


def preview(request, pk):
    return HttpResponse(summarise(request.GET["text"]))  # found: in_get


def reply(request, pk):
    if request.method == "POST":
        return HttpResponse(summarise(request.POST["text"]))
    return HttpResponse("")


def sort(request):
    if request.method != "POST":
        return HttpResponse(status=405)
    return JsonResponse(triage(request.POST["text"]))


@require_POST
def shorten(request):
    return HttpResponse(summarise(request.POST["text"]))


class TicketPage(DetailView):
    def get_context_data(self, **kwargs):
        return super().get_context_data(**kwargs) | {"summary": summarise(self.object.text)}  # found: in_get


class Summary(View):
    def get(self, request):
        return HttpResponse(summarise(request.GET["text"]))  # found: in_get

    def post(self, request):
        return HttpResponse(summarise(request.POST["text"]))
